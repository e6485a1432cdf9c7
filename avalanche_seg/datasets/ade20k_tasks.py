"""The tasks of ADE20K: class orders, MiB's partitions, and names where the data set has none."""

from importlib.resources import files
from typing import Any, Final

import numpy as np

from avalanche_seg.datasets.description import Ids, PartitionRule
from avalanche_seg.labels import VOID

__all__ = ["ADE20K_NAMES", "ADE20K_ORDERS", "ADE20K_PARTITIONS", "N_TRAIN"]

N_TRAIN: Final = 20_210
"""Training images of the SceneParsing set, which the partitions are made for."""

ADE20K_NAMES: Final = tuple(
    """wall;building;sky;floor;tree;ceiling;road;bed;windowpane;grass;cabinet;sidewalk;person;earth
door;table;mountain;plant;curtain;chair;car;water;painting;sofa;shelf;house;sea;mirror;rug;field
armchair;seat;fence;desk;rock;wardrobe;lamp;bathtub;railing;cushion;base;box;column;signboard
chest of drawers;counter;sand;sink;skyscraper;fireplace;refrigerator;grandstand;path;stairs;runway
case;pool table;pillow;screen door;stairway;river;bridge;bookcase;blind;coffee table;toilet;flower
book;hill;bench;countertop;stove;palm;kitchen island;computer;swivel chair;boat;bar;arcade machine
hovel;bus;towel;light;truck;tower;chandelier;awning;streetlight;booth;television receiver;airplane
dirt track;apparel;pole;land;bannister;escalator;ottoman;bottle;buffet;poster;stage;van;ship
fountain;conveyer belt;canopy;washer;plaything;swimming pool;stool;barrel;basket;waterfall;tent;bag
minibike;cradle;oven;ball;food;step;tank;trade name;microwave;pot;animal;bicycle;lake;dishwasher
screen;blanket;sculpture;hood;sconce;vase;traffic light;tray;ashcan;fan;pier;crt screen;plate
monitor;bulletin board;shower;radiator;glass;clock;flag""".replace("\n", ";").split(";")
)
"""Of the ids 1..150: the first synonym of every class."""

# Ids by step, every step ascending; 100-50b and 100-50c learn the later ones at once.
_100_10_B = """
1 3 5 6 8 9 10 12 13 14 18 19 21 22 23 24 25 26 27 28 29 31 32 33 34 36 38 39 40 42 43 44 45 46 47
48 49 53 54 55 56 57 58 60 61 62 63 69 70 71 74 75 76 77 80 81 82 84 86 87 90 91 93 95 96 99 100 101
103 104 105 106 107 109 113 116 117 119 120 121 123 125 126 128 129 130 131 132 133 134 135 136 140
142 143 144 147 148 149 150
11 16 50 64 66 73 89 92 145 146
30 37 51 52 72 85 98 114 115 138
2 35 65 97 110 111 112 118 124 141
4 7 15 41 67 78 79 88 108 139
17 20 59 68 83 94 102 122 127 137
"""
_100_10_C = """
1 5 6 8 9 10 11 12 13 14 16 17 19 20 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 40 41 43 44 45 46
48 50 52 54 56 57 61 63 65 66 67 68 69 70 71 74 76 77 78 79 81 82 83 84 85 86 87 90 94 95 96 97 98
99 102 105 106 109 110 111 112 114 115 118 119 120 121 123 124 126 128 129 132 133 134 135 136 138
139 142 143 144 146 147 149
3 4 7 18 39 64 73 101 113 137
47 51 55 60 62 80 116 127 140 148
22 42 49 58 59 89 91 92 108 125
2 38 53 100 104 117 130 131 141 145
15 21 72 75 88 93 103 107 122 150
"""
_50_B = """
1 9 14 18 22 24 25 27 28 29 32 38 42 45 46 47 48 49 54 56 58 61 62 63 69 74 75 76 77 81 82 84 90 93
96 100 103 104 109 117 119 121 123 128 129 130 134 135 136 144
3 5 6 8 10 12 13 19 21 23 26 31 33 34 36 39 40 43 44 53 55 57 60 70 71 80 86 87 91 95 99 101 105 106
107 113 116 120 125 126 131 132 133 140 142 143 147 148 149 150
2 4 7 11 15 16 17 20 30 35 37 41 50 51 52 59 64 65 66 67 68 72 73 78 79 83 85 88 89 92 94 97 98 102
108 110 111 112 114 115 118 122 124 127 137 138 139 141 145 146
"""
_50_C = """
5 10 11 12 13 16 17 19 20 23 27 28 30 31 32 33 37 43 46 52 56 57 65 66 69 70 74 76 77 79 82 83 86 87
105 109 110 111 119 128 129 132 133 134 138 142 143 144 146 147
1 6 8 9 14 24 25 26 29 34 35 36 40 41 44 45 48 50 54 61 63 67 68 71 78 81 84 85 90 94 95 96 97 98 99
102 106 112 114 115 118 120 121 123 124 126 135 136 139 149
2 3 4 7 15 18 21 22 38 39 42 47 49 51 53 55 58 59 60 62 64 72 73 75 80 88 89 91 92 93 100 101 103
104 107 108 113 116 117 122 125 127 130 131 137 140 141 145 148 150
"""

ADE20K_ORDERS: Final = {
    name: tuple(map(int, text.split()))
    for names, text in (
        (("100-50b", "100-10b"), _100_10_B),
        (("100-50c", "100-10c"), _100_10_C),
        (("50b", "50-50b"), _50_B),
        (("50c", "50-50c"), _50_C),
    )
    for name in names
}
"""MiB's orders b and c (Cermelli et al., CVPR 2020) by the tasks that they are cut by."""

# By the task's name: the name in the file.
_STORED = {name: name for name in ("100-50", "100-10", "50", "100-50b", "100-10b", "50b")}
_STORED |= {"50-50": "50", "50-50b": "50b"}


def _rule(task: str, stored: str) -> PartitionRule:
    def partition(presence: Any, steps: Any) -> list[Ids]:
        if len(presence) != N_TRAIN:
            raise ValueError(
                f"MiB's partition {task!r} of ADE20K is made for {N_TRAIN} training images; got "
                f"{len(presence)}: restore the data set's files, or pass partition= with the image "
                "indices of every step"
            )
        with (
            (files("avalanche_seg.datasets") / "ade20k_partitions.npz").open("rb") as file,
            np.load(file, allow_pickle=False) as tables,
        ):
            step_of = tables[stored]
        n_steps = step_of[step_of != VOID].max() + 1  # Not of ``steps``, which may be others.
        return [np.flatnonzero(step_of == step).tolist() for step in range(n_steps)]

    return partition


ADE20K_PARTITIONS: Final = {task: _rule(task, stored) for task, stored in _STORED.items()}
"""What MiB calls disjoint on ADE20K: every image belongs to one step, by the task's name.

The lists of the original code; 14 images that show no class belong to none.
"""
