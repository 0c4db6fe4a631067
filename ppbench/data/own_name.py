"""What a corruption is called by the engine that makes it, and in the published layouts."""


def own_name(corruption: str) -> str:
    """Return a corruption's own name: a plug-in's goes without the prefix that tables give it.

    Such a prefix ends in a colon, which not every file system can write. The name is the plug-in's alone: none is
    called like a corruption of the benchmark.
    """
    return corruption.rpartition(":")[2]
