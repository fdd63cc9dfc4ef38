"""Pages and documents from templates: escaped, one style sheet for all pages."""

from importlib import resources

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs


def render_template(package: str, name: str, **values: object) -> str:
    """Return the template ``name`` of a package, filled in; a page (.html) also gets its style and Plotly's script."""
    is_page = name.endswith(".html")
    environment = Environment(
        loader=PackageLoader(package, "."),
        autoescape=is_page,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    if is_page:
        style = resources.files("mlplab.comparison").joinpath("style.css").read_text(encoding="utf-8")
        values |= {"style": Markup(style), "plotly_js": Markup(get_plotlyjs())}
    return environment.get_template(name).render(values)
