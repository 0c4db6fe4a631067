"""How deep a pickle nests, and how much hashing it asks for, found without building anything of it.

Python hashes a tuple in a tuple in a tuple by recursion in C, which nothing bounds: a hundred thousand of them as the
key of a dictionary end the interpreter, and thirty that each hold the one before twice keep it busy for minutes.
"""

from typing import Any, NamedTuple

# Weights nest a dozen deep, and their tuples are shapes; the longest are lists of class names.
MAX_DEPTH = 200
MAX_TUPLE = 50_000
MAX_WORK = 20_000_000

_LEAVES = frozenset(
    "NONE NEWFALSE NEWTRUE BININT BININT1 BININT2 BINFLOAT LONG1 BINUNICODE SHORT_BINSTRING GLOBAL "  # noqa: SIM905  as one word a line this is 15 lines
    "EMPTY_TUPLE EMPTY_LIST EMPTY_DICT EMPTY_SET".split()
)
# How many things on the stack go into a new one, or into the one below them; 0: all since the mark.
_TUPLES = {"TUPLE": 0, "TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_WRAPS = {"REDUCE": 2, "NEWOBJ": 2, "BINPERSID": 1}
_FILLS = {"APPEND": 1, "SETITEM": 2, "BUILD": 1, "APPENDS": 0, "SETITEMS": 0}


class _Thing(NamedTuple):
    depth: int = 0
    hashing: int = 1  # what lies in it, counted as often as hashing it would come by


class NestingError(ValueError):
    """A pickle that nests deeper, or has greater tuples, than weights do."""


class Nesting:
    """The stack of a pickle machine that keeps depths instead of objects; for the opcodes that torch.save writes.

    A list or dictionary that is filled after it was remembered counts at the depth that it had then. That is enough:
    such things have no hash, so that no recursion goes through them.
    """

    def __init__(self) -> None:
        self._stack: list[_Thing] = []
        self._marks: list[int] = []
        self._memo: dict[int, _Thing] = {}
        self._work = 0

    def step(self, opcode: str, argument: Any) -> None:
        """Take one opcode.

        Raises:
            NestingError: what it leaves nests too deep, or is a tuple that takes too long to hash.
            LookupError: the pickle takes from an empty stack, or what was not remembered.
        """
        stack = self._stack
        if opcode in _LEAVES:
            stack.append(_LEAF)
        elif opcode in ("BINGET", "LONG_BINGET"):
            self._push(self._memo[argument])
        elif opcode in ("BINPUT", "LONG_BINPUT"):
            self._memo[argument] = stack[-1]
        elif opcode == "MARK":
            self._marks.append(len(stack))
        elif opcode in _TUPLES:
            inside = self._take(_TUPLES[opcode] or len(stack) - self._marks.pop())
            self._push(_Thing(1 + _depth(inside), 1 + sum(thing.hashing for thing in inside)))
        elif opcode in _WRAPS:
            self._push(_Thing(1 + _depth(self._take(_WRAPS[opcode]))))
        elif opcode in _FILLS:
            inside = self._take(_FILLS[opcode] or len(stack) - self._marks.pop())
            self._push(_Thing(max(stack.pop().depth, 1 + _depth(inside))))

    def _push(self, thing: _Thing) -> None:
        self._work += thing.hashing
        if thing.depth > MAX_DEPTH:
            raise NestingError(f"a pickle that nests more than {MAX_DEPTH} deep, which weights do not")
        if thing.hashing > MAX_TUPLE or self._work > MAX_WORK:
            raise NestingError("a pickle with tuples in tuples beyond measure, which weights do not need")
        self._stack.append(thing)

    def _take(self, count: int) -> list[_Thing]:
        """Take so many things off the stack."""
        if not 0 <= count <= len(self._stack):
            raise LookupError("an empty stack")
        start = len(self._stack) - count
        taken = self._stack[start:]
        del self._stack[start:]
        return taken


_LEAF = _Thing()


def _depth(things: list[_Thing]) -> int:
    return max((thing.depth for thing in things), default=0)
