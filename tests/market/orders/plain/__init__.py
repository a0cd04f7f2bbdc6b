"""A plain market: what a market of a few products, windows and coupons is after each thing that is done in it, in some hundred lines of Python that know
nothing of the program. What the program makes of the same is held against it (``test_machine.py``).

Quantities and rates are fractions, amounts whole cents, times minutes since the market began.
"""
