"""Writing the published -C layouts, so that any other tool can read them."""
