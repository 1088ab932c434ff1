"""The main job in whole conversations, from the typed line to the card in the thread."""

from pathlib import Path

from tests.support.stage import staged, text_of


async def test_an_administrator_lists_the_connectors_worst_first(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        card = await stage.sees("ada", "/exchange list")

        assert card.index("EXCH02") < card.index("EXCH01")
        assert "Contoso Lab" in card


async def test_a_viewer_is_refused_a_sync_with_the_reason(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        heard = await stage.says("vic", "/exchange sync EXCH01")

        assert "None of your roles allows exchange:sync" in text_of(heard)
        assert stage.graph_writes() == []
