"""`som skills`: the taxonomy, readable."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from skillofmind.cli.options import argument, option, parse
from skillofmind.core.errors import ConfigurationError
from skillofmind.core.skill import Skill
from skillofmind.mind.normalise import Normaliser
from skillofmind.mind.taxonomy import Taxonomy, load_taxonomy, taxonomy_source

_EPILOG = """\
examples:
  som skills                     all skills by category
  som skills "image sharing"     one skill; spelling is forgiven
  som skills --lang ko           Korean names
  som skills --show-file > my.toml, edit it, then: som plan FILE --planner prompted --taxonomy my.toml
"""


@dataclass(frozen=True, slots=True)
class SkillsOptions:
    """Options of `som skills`."""

    name: str = argument("NAME", "a skill to explain; all are listed without it", default="")
    lang: str = option("en", "language of the names: en or ko")
    taxonomy: Path | None = option(None, "another taxonomy file", value="FILE")
    json: bool = option(False, "print JSON")
    show_file: bool = option(False, "print the taxonomy file itself, to copy and edit")


def run(argv: Sequence[str]) -> int:
    """Run `som skills`."""
    options = parse(SkillsOptions, "som skills", "List the skills, or explain one.", argv, epilog=_EPILOG)
    taxonomy = load_taxonomy(options.taxonomy)
    _check(options, taxonomy)
    if options.show_file:
        sys.stdout.write(taxonomy_source(options.taxonomy))
        return 0
    skills = (_find(options.name, taxonomy),) if options.name else taxonomy.skills
    if options.json:
        for skill in skills:
            sys.stdout.write(msgspec.json.encode(skill).decode() + "\n")
    elif options.name:
        sys.stdout.write(_explained(skills[0], options.lang))
    else:
        sys.stdout.write(_listed(taxonomy, options.lang))
    return 0


def _check(options: SkillsOptions, taxonomy: Taxonomy) -> None:
    known = sorted({"en"} | {lang for skill in taxonomy.skills for lang in skill.names})
    if options.lang not in known:
        raise ConfigurationError(
            f"--lang {options.lang!r} is not in the taxonomy; there are {', '.join(known)}."
        )


def _find(name: str, taxonomy: Taxonomy) -> Skill:
    found = Normaliser(taxonomy)(name)
    if found.skill is None:
        raise ConfigurationError(f"unknown skill {name!r}; `som skills` lists the {len(taxonomy.skills)}.")
    return taxonomy.get(found.skill)


def _explained(skill: Skill, lang: str) -> str:
    return (
        f"{skill.label(lang)}  ({skill.category})\n\n"
        f"  What it does   {skill.definition}\n"
        f"  When           {skill.when}\n"
        f"  Not to mistake {skill.difference}\n"
    )


def _listed(taxonomy: Taxonomy, lang: str) -> str:
    lines = [f"{len(taxonomy.skills)} skills in {len(taxonomy.categories)} categories"]
    width = max(len(skill.label(lang)) for skill in taxonomy.skills)
    for category, names in taxonomy.categories.items():
        lines += ["", names.get(lang, category)]
        lines += [
            f"  {skill.label(lang):<{width}}  {skill.definition}"
            for skill in taxonomy.skills
            if skill.category == category
        ]
    return "\n".join(lines) + "\n"
