"""The command line as modules, and the results of its runs."""
