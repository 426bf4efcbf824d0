"""Screens: what speaks against training on a file, found by what the user brings from outside."""
