"""Who may import whom, as `pyproject.toml` has it under `tool.importlinter`; drawn in docs/architecture.md."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

PROJECT = Path(__file__).resolve().parent.parent

Lint = Callable[[Path], tuple[bool, str]]


@pytest.fixture
def lint(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Lint:
    """Checks the contracts of a file: whether all are kept, and what is printed of them."""
    monkeypatch.chdir(PROJECT)

    def check(file: Path) -> tuple[bool, str]:
        status = lint_imports(config_filenames=(str(file),), no_cache=True, no_logo=True)
        return status == 0, capsys.readouterr().out

    return check


def test_every_import_keeps_to_the_layers(lint: Lint) -> None:
    kept, report = lint(PROJECT / "pyproject.toml")
    assert kept, report


def test_an_import_against_a_contract_is_found(lint: Lint, tmp_path: Path) -> None:
    upside_down = tmp_path / "upside_down.toml"
    upside_down.write_text(
        """
        [tool.importlinter]
        root_packages = ["catalog", "accounts"]
        [[tool.importlinter.contracts]]
        name = "catalog knows nobody"
        type = "forbidden"
        source_modules = ["catalog"]
        forbidden_modules = ["accounts"]
        """
    )
    kept, report = lint(upside_down)
    assert not kept
    assert "catalog knows nobody BROKEN" in report
