"""Links to MLflow's page, as its router reads them: everything behind the #."""

from urllib.parse import parse_qs

import pytest

from mlplab.store.links import Links

FILE = Links("sqlite:////store/mlflow.db", "1")


def test_the_link_of_a_sweep_filters_by_its_tag_and_opens_the_charts() -> None:
    page = FILE.sweep_page("2026-a")
    path, _, query = page.partition("?")
    assert path == "http://127.0.0.1:5000/#/experiments/1/runs"
    assert parse_qs(query) == {
        "searchFilter": ["tags.sweep = '2026-a'"],
        "compareRunsMode": ["CHART"],
        "workflowType": ["machine_learning"],
    }


@pytest.mark.parametrize("address", [FILE.run_page("r"), FILE.artifact_page("r", "comparison.html")])
def test_a_link_opens_mlflows_mode_for_training(address: str) -> None:
    assert address.endswith("?workflowType=machine_learning")


def test_within_the_page_a_link_works_wherever_it_is_served() -> None:
    assert FILE.within_page(FILE.run_page("r")) == "#/experiments/1/runs/r?workflowType=machine_learning"


def test_a_servers_password_is_in_no_link() -> None:
    page = Links("http://anna:secret@lab:5000/", "7").run_page("r")
    assert page == "http://lab:5000/#/experiments/7/runs/r?workflowType=machine_learning"
