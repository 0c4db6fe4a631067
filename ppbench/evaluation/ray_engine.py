"""The work of a run on a Ray cluster: images × cells in shards, each a task that is done again if it is lost.

The answers come back to this process, which stores them: the store's folder need not be shared, and a driver that dies
goes on from it. A shard begins where a batch begins, so its batches are those of a run in one process, and so are its
numbers.
"""

import sys
import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

import corruptions
from corruptions.plugins import digest_of
from ppbench.data.decoded import Decoder
from ppbench.data.image_set import ImageSet
from ppbench.data.own_name import own_name
from ppbench.data.source import DataSource
from ppbench.errors import InputError
from ppbench.evaluation import ray_worker
from ppbench.evaluation.answers import Answers
from ppbench.evaluation.ray_cluster import look
from ppbench.evaluation.work import Done, OnImages, Work
from ppbench.scoring.names import PLUGIN

_SHARD_BATCHES = 20  # batches of a shard: seconds of work, against milliseconds for sending it
_RETRIES = 10  # times that a shard may be lost with its worker or its node
_BY_VALUE = (
    "ppbench_factory_",
    "corruptions_plugin_",
)  # modules of a user's own files, which no worker can import


class RayEngine:
    """Sends shards to the processes of the cluster that this process is connected to."""

    def __init__(
        self,
        source: DataSource,
        networks: ray_worker.Networks,
        *,
        names: Sequence[str] = (),
        decoder: Decoder | None = None,
    ) -> None:
        """Prepare to evaluate; what the workers need is sent when the first work comes.

        Args:
            source: the images under the cells.
            networks: the networks and how they answer.
            names: the corruptions of the run.
            decoder: makes arrays of clean images that lie in files.
        """
        self._source = source
        self._networks = networks
        self._names = names
        self._decoder = decoder or Decoder()
        self._job: ray_worker.Job | None = None

    def evaluate(self, work: Iterable[Work], on_images: OnImages) -> Iterator[Done]:
        """Yield each piece of work with its networks' answers, as it is finished.

        Args:
            work: drawn when processes of the cluster are about to be idle.
            on_images: called with the cell and the number of images done, after each shard.

        Raises:
            InputError: a worker cannot take part (other versions, no data), or shards are lost again and again.
        """
        import ray

        shards = self._shards(work)
        under_way: dict[Any, tuple[Work, Work]] = {}
        parts: dict[Any, dict[int, dict[str, Answers]]] = defaultdict(dict)
        try:
            while True:
                while len(under_way) < self._wanted():
                    found = next(shards, None)
                    if found is None:
                        break
                    under_way[self._send(found[1])] = found
                if not under_way:
                    return
                (ready,), _ = ray.wait(list(under_way), num_returns=1)
                job, shard = under_way.pop(ready)
                done = parts[job.cell]
                done[shard.rows.start] = _received(ready)
                on_images(job.cell, shard.rows.stop - shard.rows.start)
                if (
                    sum(len(_any(each).predictions) for each in done.values())
                    == job.rows.stop - job.rows.start
                ):
                    in_order = [done[start] for start in sorted(done)]
                    yield (
                        job,
                        {name: ray_worker.joined([each[name] for each in in_order]) for name in job.networks},
                    )
                    del parts[job.cell]
        finally:
            for ref in under_way:
                ray.cancel(ref, force=True)

    def _shards(self, work: Iterable[Work]) -> Iterator[tuple[Work, Work]]:
        size = self._networks.batch * _SHARD_BATCHES
        for job in work:
            for start in range(job.rows.start, job.rows.stop, size):
                yield job, job._replace(rows=slice(start, min(start + size, job.rows.stop)))

    def _wanted(self) -> int:
        """Return how many shards should be under way: one that each process does, and one that waits for it."""
        cluster = look()
        return 2 * max(1, cluster.gpus if self._networks.device == "cuda" else cluster.cpus)

    def _send(self, shard: Work) -> Any:
        import ray

        if self._job is None:
            self._job = self._placed()
            _require_nodes(self._job)
        gpus = 1 if self._networks.device == "cuda" else 0
        # No limit of calls: by default Ray ends a process that has a GPU after one task, with all that it has loaded.
        task = ray.remote(num_cpus=1, num_gpus=gpus, max_retries=_RETRIES, max_calls=0)(ray_worker.answer)
        return task.remote(self._job, shard)

    def _placed(self) -> ray_worker.Job:
        """Put what the workers need where all of them can fetch it, each node once."""
        import ray

        clean = None
        source = self._source
        if source.clean is not None:
            clean = ray.put(np.ascontiguousarray(self._decoder(source.clean)[:]))
            source = replace(source, clean=_without_pixels(source.clean))
        plugins = [corruptions.plugins()[own_name(name)] for name in self._names if name.startswith(PLUGIN)]
        images = ray_worker.Images(
            source,
            source.corruption_digests(self._names) or {},
            [(what, digest_of(what.name)) for what in plugins],
        )
        return ray_worker.Job(
            uuid.uuid4().hex,
            ray_worker.facts_here(),
            ray.put(_pickled(images)),
            ray.put(_pickled(self._networks)),
            clean,
        )


def _without_pixels(clean: ImageSet) -> ImageSet:
    return replace(clean, images=np.empty((len(clean), 0, 0, 3), np.uint8))


def _pickled(what: object) -> bytes:
    """Return an object pickled, with the code of a user's own files in it."""
    from ray import cloudpickle

    for name in [name for name in sys.modules if name.startswith(_BY_VALUE)]:
        cloudpickle.register_pickle_by_value(sys.modules[name])  # type: ignore[no-untyped-call]
    try:
        return bytes(cloudpickle.dumps(what))  # type: ignore[no-untyped-call]
    except Exception as error:
        # Whatever a network holds may refuse in its own way: sessions, locks, open files.
        reason = " ".join(str(error).split())
        raise InputError(
            f"networks or corruptions cannot be sent to other processes ({type(error).__name__}: {reason}): "
            "use --engine local"
        ) from error


def _require_nodes(job: ray_worker.Job) -> None:
    """Ask every node that is there now whether it can take part, before hours of work depend on it."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    task = ray.remote(num_cpus=0, max_retries=0)(ray_worker.check)
    asked = [
        task.options(scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)).remote(
            job
        )
        for node in ray.nodes()  # type: ignore[no-untyped-call]
        if node["Alive"] and node["Resources"].get("CPU")
    ]
    for answer in asked:
        try:
            found = ray.get(answer)
        except ray.exceptions.RayTaskError as error:
            raise _told(error) from error
        except ray.exceptions.RayError:
            continue  # the node has gone: others will do its work
        if isinstance(found, ray_worker.Refused):
            raise InputError(found.line)


def _received(ref: Any) -> dict[str, Answers]:
    import ray

    try:
        found: dict[str, Answers] | ray_worker.Refused = ray.get(ref)
    except ray.exceptions.RayTaskError as error:
        raise _told(error) from error
    except ray.exceptions.RayError as error:
        reason = " ".join(str(error).split())[:300]
        raise InputError(
            f"the cluster lost a part of the work {_RETRIES} times ({reason}): look at the workers' memory and logs; "
            "finished cells are kept"
        ) from error
    if isinstance(found, ray_worker.Refused):
        raise InputError(found.line)
    return found


def _told(error: Any) -> Exception:
    """Return what to raise for an exception in a worker."""
    cause: Exception = error.cause
    if isinstance(cause, ImportError):
        return InputError(
            f"a worker cannot import what it needs ({cause}): install the same packages on every node"
        )
    return cause


def _any(answers: dict[str, Answers]) -> Answers:
    return next(iter(answers.values()))
