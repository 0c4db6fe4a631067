"""From images and models to errors: cells, the hot loop, the run folder."""
