"""Input contracts of published checkpoints."""

from ppbench.models.input_spec import InputSpec

PUSHPULL_2020 = InputSpec(32, (125.3 / 255, 123.0 / 255, 113.9 / 255), (63.0 / 255, 62.1 / 255, 66.7 / 255))
"""Of the checkpoints of the 2020 push-pull paper, and their baselines."""
