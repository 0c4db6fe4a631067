"""The study on the embedded digits: the networks of the demo from five seeds, and what its page says around them."""

from benchmarks.push_pull_study.plan import Page, Study, Variant

_HEAD = """# Push-pull on the embedded digits: five trainings of each network

ResNet-20 with and without a push-pull first layer (the 2024 unit with trained inhibition; PP3 and PP5 average over
3 x 3 and 5 x 5 pixels), {epochs} epochs by the recipe `digits`, fixed beforehand, seeds 0 to 4; each is evaluated on
all {images:,} test images of `digits-c` under all 15 corruptions at 5 severities (protocol cifar-c, seed 0).

These are small pictures of handwritten digits before photographs, learned in minutes. They show that ppbench works;
what push-pull is worth on photographs they cannot say.

Brackets are 95 % intervals over images: another {images:,} test images, the same networks. ± is the standard deviation
over seeds: another training, the same images; where an interval over seeds is given, it is Student's t. All errors are
per cent. mCE is {normaliser}. R_net is against the plain baseline of the same seed.
"""

_CLAIM = """\
The claim is that push-pull lowers the mean error. The demo's networks, one training each, say the opposite; one
training says little, so here are five.
"""

_AGAIN = """## Again

The images are embedded in ppbench. All of it, trainings (an hour on two cores), evaluation and this page:

```console
$ python -m benchmarks.push_pull_study digits --weights FOLDER
```
"""

_RECIPE = "digits"
_SEEDS = (0, 1, 2, 3, 4)

DIGITS = Study(
    name="digits",
    data="digits-c",
    variants=tuple(Variant(stem, "none", _RECIPE, _SEEDS) for stem in ("", "-pp", "-pp5")),
    digest="83bf04369cef9c47ee0a4098396e687673190f5d92cd7494b3a62a3d6e42c147",
    images="the 20,752 training images of digits-c",
    bits=32,
    page=Page(_HEAD, _CLAIM, "", lambda _row: "", "", _AGAIN),
)
