"""`python -m ppbench`: the command line."""

from ppbench.cli import main

if (
    __name__ == "__main__"
):  # a process pool imports the main module again; that must not start the command again
    main()
