"""Farms and their catalogues from a directory of farmers markets, in the format of the US Department of Agriculture.

``goods.py`` maps each column to goods, ``reading.py`` converts rows into farms, ``storing.py`` stores them.
"""
