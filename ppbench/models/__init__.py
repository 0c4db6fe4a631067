"""Push-pull units, networks, the registry, the input contract, and checkpoint loading."""
