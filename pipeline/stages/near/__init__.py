"""Near-duplicates: candidates by MinHash, proof by exact Jaccard similarity, choice by rank.

    bands.band_rows        documents                    -> band keys     per part
    components.star_edges  band keys                    -> edges         per bucket of keys
    components.components  edges                        -> members       once
    shingles.shingles      clustered documents          -> shingle sets  per part
    verify.choose          shingle sets in rank order   -> duplicates    per group of components

Nothing is imported here: configuration is read by commands that must not load numba.
"""
