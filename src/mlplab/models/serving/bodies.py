"""What a request may hold, checked, and made the body of a request to MLflow's scoring server."""

import io
import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NoReturn

from mlplab.data.labels import table_row
from mlplab.errors import DataError
from mlplab.models.pictures_taken import pixels_of
from mlplab.models.row_forms import ArrayForm, Form, TableForm
from mlplab.schema import PROBABILITIES

if TYPE_CHECKING:
    import pandas as pd

_ARRAYS = ("inputs", "instances")
_TABLES = ("dataframe_split", "dataframe_records")
_PARAMS = "params"


def scoring_body(content_type: str, body: bytes, form: Form, centred: bool) -> dict[str, Any]:
    """Return what the scoring server is asked: JSON.

    Args:
        content_type: of the request.
        body: JSON, as MLflow's scoring server documents it; CSV for a table; a picture for pixels. With the last two
            probabilities are asked for.
        form: of the model's rows.
        centred: a picture is prepared as MNIST's digits are.

    Raises:
        DataError: it is something else.
    """
    kind = content_type.partition(";")[0].strip().lower()
    if not body:
        raise DataError(f"the body is empty; {_expected(form)}")
    if kind == "application/json":
        return _of_json(body, form)
    asked: dict[str, Any] = {_PARAMS: {PROBABILITIES: True}}
    if kind.startswith("image/") and isinstance(form, ArrayForm) and form.are_pixels:
        return {"inputs": form.check([pixels_of(body, "the picture", form, centred)], "the picture").tolist(), **asked}
    if kind == "text/csv" and isinstance(form, TableForm):
        return {"dataframe_split": _split(form.check(_read_csv(body, form), "the table", table_row)), **asked}
    raise DataError(f"Content-Type {kind or 'is missing'}: {_expected(form)}")


def _expected(form: Form) -> str:
    if isinstance(form, TableForm):
        return "send application/json with dataframe_split or dataframe_records, or text/csv"
    return "send application/json with inputs" + (", or a picture (image/png)" if form.are_pixels else "")


def _of_json(body: bytes, form: Form) -> dict[str, Any]:
    asked = _parsed(body)
    if not isinstance(asked, dict):
        raise DataError(f"the body is JSON, but no object; {_expected(form)}")
    names = _TABLES if isinstance(form, TableForm) else _ARRAYS
    given = [name for name in asked if name != _PARAMS]
    if len(given) != 1 or given[0] not in names:
        has = ", ".join(given) or "none"
        raise DataError(f"the body has the keys: {has[:100]}; takes one of {' and '.join(names)}, and {_PARAMS}")
    (name,) = given
    if isinstance(form, TableForm):
        frame = _frame(asked[name], name)
        form.require_texts(frame, name)
        checked: dict[str, Any] = {"dataframe_split": _split(form.check(frame, name))}
    else:
        checked = {"inputs": form.check(asked[name], name).tolist()}
    return {**checked, _PARAMS: _checked_params(asked.get(_PARAMS))}


def _parsed(body: bytes) -> Any:
    def refuse(constant: str) -> NoReturn:
        raise DataError(f"the body holds {constant}: takes finite numbers")

    try:
        return json.loads(body, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise DataError(f"the body is no JSON ({str(error)[:100]})") from error


def _checked_params(params: Any) -> Mapping[str, bool]:
    if params is None:
        return {}
    if not isinstance(params, dict) or set(params) - {PROBABILITIES}:
        raise DataError(f'{_PARAMS}: takes {{"{PROBABILITIES}": true}} and nothing else')
    if not all(isinstance(value, bool) for value in params.values()):
        raise DataError(f"{_PARAMS}: {PROBABILITIES} is true or false")
    return params


def _frame(given: Any, name: str) -> "pd.DataFrame":
    """Return a table out of JSON. Raises DataError."""
    import pandas as pd

    makes: Mapping[str, Callable[[], pd.DataFrame]] = {
        "dataframe_split": lambda: pd.DataFrame(given["data"], columns=given["columns"]),
        "dataframe_records": lambda: pd.DataFrame.from_records(given),
    }
    try:
        frame = makes[name]()
    except (TypeError, ValueError, KeyError, AttributeError, AssertionError, OverflowError) as error:
        raise DataError(f"{name}: is no table; takes {_TABLE_EXAMPLES[name]}") from error
    if not frame.columns.is_unique:
        raise DataError(f"{name}: has a column twice; takes each once")
    return frame


_TABLE_EXAMPLES = {
    "dataframe_split": '{"columns": ["a", "b"], "data": [[1, 2], [3, 4]]}',
    "dataframe_records": '[{"a": 1, "b": 2}, {"a": 3, "b": 4}]',
}


def _read_csv(body: bytes, form: TableForm) -> "pd.DataFrame":
    import pandas as pd

    try:
        return pd.read_csv(io.BytesIO(body), low_memory=False, dtype=form.csv_dtypes)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, ValueError, OverflowError) as error:
        raise DataError("the table is no CSV in UTF-8 whose first line names the columns") from error


def _split(frame: "pd.DataFrame") -> dict[str, Any]:
    return {"columns": list(frame.columns), "data": frame.to_numpy(dtype=object).tolist()}
