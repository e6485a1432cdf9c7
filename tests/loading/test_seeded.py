import pytest
import torch
from torch.utils.data import BatchSampler, Dataset, RandomSampler, SequentialSampler

from avalanche_seg.loading import seeded_loader
from avalanche_seg.loading.seeded import SeededBatches, SeededDataset


class Noise(Dataset):
    """Sample i is (i, a random number)."""

    def __len__(self):
        return 10

    def __getitem__(self, index):
        return index, torch.rand(())


def epochs(workers, n=2, **options):
    torch.manual_seed(5)
    sampler = BatchSampler(RandomSampler(range(10)), 4, drop_last=True)
    loader = seeded_loader(Noise(), sampler, num_workers=workers, **options)
    return [[(i.tolist(), x.tolist()) for i, x in loader] for _ in range(n)]


@pytest.mark.parametrize("persistent", [False, True])
def test_the_number_of_workers_changes_nothing(persistent):
    alone = epochs(0)
    assert epochs(2, persistent_workers=persistent) == alone
    assert epochs(3, persistent_workers=persistent, prefetch_factor=1) == alone
    assert alone[0] != alone[1], "epochs differ"
    assert [len(epoch) for epoch in alone] == [2, 2]


def test_a_sample_depends_on_its_seed_alone_and_leaves_the_generator_as_it_was():
    dataset = SeededDataset(Noise())
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = dataset[3, 77]
    torch.rand(5)
    assert dataset[3, 77] == first and dataset[3, 78] != first
    torch.set_rng_state(before)
    dataset[2, 9]
    assert torch.get_rng_state().equal(before)
    assert len(dataset) == 10


def test_the_generator_is_put_back_after_an_error():
    class Broken(Noise):
        def __getitem__(self, index):
            raise ValueError("unreadable")

    before = torch.get_rng_state()
    with pytest.raises(ValueError, match="unreadable"):
        SeededDataset(Broken())[0, 1]
    assert torch.get_rng_state().equal(before)


def test_an_epoch_draws_once_from_the_global_generator_however_long_it_is():
    states = []
    for n_images in (8, 80):
        torch.manual_seed(2)
        list(SeededBatches(BatchSampler(SequentialSampler(range(n_images)), 4, False)))
        states.append(torch.get_rng_state())
    assert states[0].equal(states[1])


def test_seeds_differ_between_samples():
    batches = SeededBatches(BatchSampler(SequentialSampler(range(50)), 4, False))
    pairs = [pair for batch in batches for pair in batch]
    assert [index for index, _ in pairs] == list(range(50)) and len(batches) == 13
    assert len({seed for _, seed in pairs}) == 50
