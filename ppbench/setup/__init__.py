"""The set-up check: does the network get what it was trained for, and are its answers what ppbench takes them for?"""
