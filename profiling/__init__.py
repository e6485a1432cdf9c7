"""Performance comparisons, one script a topic, each runnable alone; ``python -m profiling``."""
