"""What is done with every op: whether it is recorded, what is noted of it, who looks at it.

One value for all of it, so that applying an op has one question to ask: is it `True`, as it is
wherever no block has changed anything?
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from minigrad.core.places import here

if TYPE_CHECKING:
    from minigrad.core.cuts import Cut


class State(NamedTuple):
    """The state inside some block; true where ops are recorded."""

    on: bool = True
    cut: Cut | None = None  # what switched it off, if a user did
    sources: bool = False  # note the user's line
    scope: Any = None  # the innermost `Scope`
    watches: tuple[Any, ...] = ()  # each is shown every op, recorded or not
    resting: tuple[Any, ...] = ()  # those that are not while a derivative is computed

    def __bool__(self) -> bool:
        return self.on

    def rest(self, asleep: bool) -> State:
        """The same with nobody watching."""
        return self._replace(watches=(), resting=() if asleep else self.watches or self.resting)

    def wake(self) -> State:
        """The same with those watching who rest."""
        return self._replace(watches=self.watches or self.resting, resting=())

    def freely(self) -> State:
        """The same with nobody watching shapes."""
        return self._replace(watches=tuple(x for x in self.watches if not x.of_shapes))

    def take(self, node: Any) -> None:
        """Note of a recorded node what is asked for. Called by what an op's function calls."""
        node._note = (here(4) if self.sources else None, self.scope)


def told(state: Any) -> State:
    """A state in full."""
    return state if isinstance(state, State) else State()
