"""Made-up models whose true scores are known: images of varying difficulty, wrong in all cells together."""

import numpy as np

from ppbench.scoring.names import CORRUPTIONS, SEVERITIES
from ppbench.scoring.outcomes import CLEAN_CELL, Outcomes


class Population:
    """Images come with a difficulty; a model errs where difficulty and severity exceed its strength.

    The difficulty is shared by all cells and models, as with real images, so cells are strongly dependent.
    """

    def __init__(self, corruptions=CORRUPTIONS, severities=SEVERITIES):
        """A population under some corruptions."""
        self.cells = (CLEAN_CELL, *((c, s) for c in corruptions for s in severities))
        self.harm = np.array([0.0] + [0.25 * s + 0.05 * CORRUPTIONS.index(c) for c, s in self.cells[1:]])

    def outcomes(self, generator, images, strengths):
        """The outcomes of models (name -> strength) on freshly drawn images."""
        difficulty = generator.normal(size=images)
        found = []
        for name, strength in strengths.items():
            noise = generator.normal(size=(len(self.cells), images))
            wrong = difficulty + noise + self.harm[:, None] > strength
            found.append(Outcomes(name, self.cells, wrong))
        return found
