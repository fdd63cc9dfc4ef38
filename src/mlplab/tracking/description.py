"""What MLflow's page says of a run in words: its description, in Markdown."""

from collections.abc import Sequence

from mlplab.config import TrainConfig
from mlplab.network_config import describe_network
from mlplab.schema import OWN_SWEEP_TAG, REPORT_TAG
from mlplab.store.store import Store
from mlplab.terminal import count_of

MOST_CHARACTERS = 1_000  # of a command: MLflow refuses a tag of more than 8,000


def describe_run(settings: TrainConfig, data: str) -> str:
    """Return the description of a run on the data set ``data``; the links of a sweep's member are to be added."""
    network = (
        f"{settings.activation} with hidden layers {'-'.join(map(str, settings.hidden_sizes))}"
        if settings.has_mlp
        else describe_network(settings.network)
    )
    length = (
        count_of(settings.epochs, "epoch")
        if settings.iterations is None
        else count_of(settings.iterations, "iteration")
    )
    text = (
        f"{network}, {settings.optimizer} at learning rate "
        f"{settings.learning_rate:g}, batches of {settings.batch_size}, {length} on {data}, seed {settings.seed}; "
        f"engine {settings.engine}."
    )
    if settings.note:
        text = f"{settings.note}\n\n{text}"
    sweep = settings.tracking.sweep
    return text if sweep is None else f"{text}\n\nMember of sweep {_code(sweep)}: "


def describe_sweep(command: Sequence[str], axes: Sequence[str], jobs: int, note: str | None = None) -> str:
    """Return the description of a sweep's own run; its links are to be added."""
    varying = f" over {', '.join(map(_code, axes))}" if axes else ""
    own = f"{note}\n\n" if note else ""
    return f"{own}{count_of(jobs, 'run')}{varying}: {_code(' '.join(command))}\n\n"


def sweep_links(store: Store, sweep: str) -> str:
    """Return links to the curves of a sweep and to its comparison, for a description. Raises StoreError."""
    links = [f"[all curves, overlaid]({store.within_page(store.sweep_page(sweep))})"]
    for own in store.search(f"tags.`{OWN_SWEEP_TAG}` = '{sweep}'")[:1]:
        page = store.artifact_page(own.info.run_id, own.data.tags[REPORT_TAG])
        links.append(f"[comparison]({store.within_page(page)}), once the sweep has ended")
    return ", ".join(links)


def _code(text: str) -> str:
    """Return the text as code in Markdown: nothing in it is taken for a link or for HTML."""
    short = text if len(text) <= MOST_CHARACTERS else f"{text[:MOST_CHARACTERS]} ..."
    return "`" + short.replace("`", "'") + "`"
