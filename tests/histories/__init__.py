"""Histories of concurrent clients whose processes are killed: is there one order of all that was done that explains every answer?

``linearizability`` decides it, ``pools`` is the plain model of a product and of a window, ``clients`` makes the histories by the ``actions`` of each at the
``stalls`` of a market.
"""
