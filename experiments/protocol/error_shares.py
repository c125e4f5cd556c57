"""The chance of a false verdict: one level for the whole catalogue, shared in advance.

Every claim that samples has the same share, so its verdict is the same alone and in company; what
a user's own theorem samples has such a share too, beside the catalogue's. Within a claim the share
goes to looks: the planned seeds, and each doubling that may be asked for after seeing what came
out; within a look to the cells, by Bonferroni for the limits shown and by Holm for verdicts.
"""

FAMILY_WISE_ERROR = 0.001
"""Over all sampled cells of all claims, and all numbers of seeds that are ever asked for."""
SAMPLED_CLAIMS = 20
"""At most this many claims of the catalogue sample; a test counts them."""


def doublings(seeds: int) -> int:
    """How often 1 must be doubled to reach ``seeds`` >= 1: the number of the look."""
    return (seeds - 1).bit_length()


def claim_error(seeds: int = 1) -> float:
    """Of one claim, asked for at least ``seeds`` seeds a run (1: as planned), a power of two.

    Shares 1/((j+1)(j+2)) of looks j = 0, 1, 2, ... add up to 1: half for the planned seeds.
    """
    look = doublings(seeds)
    return FAMILY_WISE_ERROR / SAMPLED_CLAIMS / ((look + 1) * (look + 2))
