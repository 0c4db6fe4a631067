"""What works on this machine and what does not: nothing here needs torch, numpy or a whole installation to say so."""
