"""Pages and documents from templates: escaped; all pages share one frame, style and script."""

from functools import lru_cache
from importlib import resources

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from mlplab.colors import OKABE_ITO

_HERE = "mlplab.page"
# Only Plotly's charts with x and y axes: a third of the whole, which no package on PyPI has by itself.
_CHARTS = ("plotly/plotly-cartesian.min.js", "charts.js", "table.js")
_OTHER_SCRIPTS = {"watch.html": (*_CHARTS, "watch.js"), "models.html": ("models.js",)}


def render_template(package: str, name: str, **values: object) -> str:
    """Return the template ``name`` of a package, filled in; a page (.html) also gets its style and scripts."""
    is_page = name.endswith(".html")
    if is_page:
        scripts = _OTHER_SCRIPTS.get(name, _CHARTS)
        values |= {"style": Markup(_style()), "scripts": [Markup(_read(script)) for script in scripts]}
    return _environment(package, escapes=is_page).get_template(name).render(values)


def render_fragment(name: str, **values: object) -> str:
    """Return the template ``name`` of this package, filled in and escaped: a part of somebody else's page."""
    return _environment(_HERE, escapes=True).get_template(name).render(values)


def _environment(package: str, escapes: bool) -> Environment:
    return Environment(
        loader=ChoiceLoader([PackageLoader(package, "."), PackageLoader(_HERE, ".")]),
        autoescape=escapes,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _style() -> str:
    colors = "".join(f"--series-{slot}: {color}; " for slot, color in enumerate(OKABE_ITO))
    return f":root {{ {colors}}}\n{_read('style.css')}"


@lru_cache
def _read(name: str) -> str:
    return resources.files(_HERE).joinpath(name).read_text(encoding="utf-8")
