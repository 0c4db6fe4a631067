"""What a figure is drawn on: matplotlib's axes for a paper, or the page's own, which take a tenth of the time."""

from typing import Any, Protocol


class Axes(Protocol):
    """The part of matplotlib's `Axes` that figures of the page use; names and arguments are matplotlib's."""

    spines: Any

    def plot(self, *args: Any, **options: Any) -> Any:
        """Draw a line, or markers."""

    def scatter(self, *args: Any, **options: Any) -> Any:
        """Draw dots of different areas."""

    def barh(self, *args: Any, **options: Any) -> Any:
        """Draw a bar from 0 to the right."""

    def hist(self, *args: Any, **options: Any) -> Any:
        """Draw a histogram."""

    def fill_between(self, *args: Any, **options: Any) -> Any:
        """Fill a band between two lines."""

    def axvline(self, *args: Any, **options: Any) -> Any:
        """Draw an upright line through the axes."""

    def text(self, *args: Any, **options: Any) -> Any:
        """Write at a point."""

    def annotate(self, *args: Any, **options: Any) -> Any:
        """Write beside a point."""

    def set_title(self, *args: Any, **options: Any) -> Any:
        """Write above the axes."""

    def set_xlabel(self, *args: Any, **options: Any) -> Any:
        """Write below the axes."""

    def set_ylabel(self, *args: Any, **options: Any) -> Any:
        """Write left of the axes."""

    def set_xlim(self, *args: Any, **options: Any) -> Any:
        """Set the ends of the axis."""

    def set_ylim(self, *args: Any, **options: Any) -> Any:
        """Set the ends of the axis, the lower one first."""

    def get_xlim(self) -> tuple[float, float]:
        """Return the ends of the axis."""

    def get_ylim(self) -> tuple[float, float]:
        """Return the ends of the axis, the lower one first."""

    def set_xticks(self, *args: Any, **options: Any) -> Any:
        """Set where the axis is marked, and with what."""

    def set_yticks(self, *args: Any, **options: Any) -> Any:
        """Set where the axis is marked, and with what."""

    def get_yticklabels(self) -> Any:
        """Return the labels of the marks."""

    def tick_params(self, *args: Any, **options: Any) -> Any:
        """Set how marks look."""

    def grid(self, *args: Any, **options: Any) -> Any:
        """Show or hide lines at the marks."""

    def set_aspect(self, *args: Any, **options: Any) -> Any:
        """Give both axes one scale."""

    def set_axis_off(self) -> Any:
        """Hide the axes; what is drawn on them stays."""
