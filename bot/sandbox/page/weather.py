"""How Graph is on a day: fair, slow, throttled or away. Roles can be read in any weather."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from bot.sandbox.faults import Fault, FaultKind, Faults

CONNECTORS: Final = "deviceManagement"


class Weather(StrEnum):
    """What meets every request for connectors until it changes."""

    FAIR = "fair"
    SLOW = "slow"
    THROTTLED = "throttled"
    DOWN = "down"


_FAULTS: Final[Mapping[Weather, Fault]] = MappingProxyType(
    {
        Weather.SLOW: Fault(kind=FaultKind.DELAY, path=CONNECTORS, times=None, delay_s=4.0),
        Weather.THROTTLED: Fault(
            kind=FaultKind.STATUS, path=CONNECTORS, times=None, status=429, retry_after="20"
        ),
        Weather.DOWN: Fault(kind=FaultKind.STATUS, path=CONNECTORS, times=None, status=503),
    }
)


class Sky:
    """The weather over one Graph; to heal is to let it be fair."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self.weather = Weather.FAIR

    def become(self, weather: Weather) -> None:
        """Change the weather; what waited under the old one goes on."""
        self._faults.clear()
        self._faults.release()
        if weather in _FAULTS:
            self._faults.add(_FAULTS[weather])
        self.weather = weather
