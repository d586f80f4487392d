"""What is said of scores that no correction makes independent of the number of members."""

OF_EQUAL_SIZE = "compare ensembles of equal size"
"""For the definitions of scores in which two samples of one law, of few and of many members, differ."""
