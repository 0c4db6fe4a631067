"""The severities of a published set: numbers, and how folders and manifests write them.

As in `corruptions.names`; a test holds the two together.
"""

from typing import Final

SEVERITIES: Final[tuple[int, ...]] = (1, 2, 3, 4, 5)

SEVERITY_NAMES: Final[tuple[str, ...]] = tuple(map(str, SEVERITIES))
