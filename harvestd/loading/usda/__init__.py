"""Farms and their catalogues from a directory of farmers markets, in the form that the US Department of Agriculture has it.

``goods.py`` is the table of what each column stands for, ``reading.py`` makes farms of rows, ``storing.py`` stores them.
"""
