"""How property tests run here."""

from hypothesis import settings

# Examples are not timed: on a busy machine a slow one would be reported as a flaky failure.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
