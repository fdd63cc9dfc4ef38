class GridSweeper(Sweeper):
    """Runs every combination of the values given, as one thing: planned, checked, recorded, resumable."""

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Take what Hydra hands over before the sweep."""
        self._loader, self._config = hydra_context.config_loader, config
        self._launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )

    def sweep(self, arguments: list[str]) -> Sequence[JobReturn]:
        """Carry the sweep out, or show its plan."""
        from mlplab.sweeps import command  # Hydra loads every plugin for every command

        return command.sweep(arguments, self._config, self._loader, self._launcher)
