"""The same skills in another order, for planners that are shown a list of them."""

from random import Random

import msgspec

from skillofmind.mind.taxonomy import Taxonomy


def permuted(taxonomy: Taxonomy, number: int) -> Taxonomy:
    """Return the taxonomy with its skills in order `number`; 0 is the order of the file."""
    skills = list(taxonomy.skills)
    if number:
        Random(f"order:{number}").shuffle(skills)
    return msgspec.structs.replace(taxonomy, skills=tuple(skills))
