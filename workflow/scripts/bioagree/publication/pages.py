"""Pages for people, filled in from templates."""

from collections.abc import Callable, Mapping
from pathlib import Path

TEMPLATES = Path(__file__).parent / "templates"


def render(template: str, filters: Mapping[str, Callable], escape: bool = False, **facts) -> str:
    """Return a template with the facts in it; what it names and nobody gives is an error."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=escape,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= filters
    return environment.get_template(template).render(facts)
