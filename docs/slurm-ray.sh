#!/bin/bash
# ppbench on several machines under SLURM: starts Ray on every node of the job, runs ppbench on the first, ends Ray.
#
#   sbatch docs/slurm-ray.sh --data imagenet-c --root /shared/ILSVRC2012 --model torchvision:resnet50 --out results/run
#
# One task a node: Ray starts a process for each GPU itself. Published files (--source published) must lie under the
# same path on every node; clean images only on the first, which sends them.
#SBATCH --job-name=ppbench
#SBATCH --nodes=8
#SBATCH --ntasks-per-node=1
#SBATCH --gpus-per-node=8
#SBATCH --cpus-per-task=64
#SBATCH --time=02:00:00
set -euo pipefail

mapfile -t nodes < <(scontrol show hostnames "$SLURM_JOB_NODELIST")
head=${nodes[0]}
address=$(srun --nodes=1 --ntasks=1 --nodelist="$head" hostname --ip-address | awk '{ print $1 }')
# A port of this job's own: two jobs may share a node.
port=$((20000 + SLURM_JOB_ID % 20000))
resources=(--num-cpus="${SLURM_CPUS_PER_TASK:-1}" --num-gpus="${SLURM_GPUS_ON_NODE:-0}" --disable-usage-stats --block)

srun --overlap --nodes=1 --ntasks=1 --nodelist="$head" \
    ray start --head --node-ip-address="$address" --port="$port" "${resources[@]}" &
trap 'kill $(jobs -p) 2>/dev/null || true' EXIT
until ray health-check --address "$address:$port" 2>/dev/null; do sleep 1; done
if ((${#nodes[@]} > 1)); then
    others=$(IFS=, && echo "${nodes[*]:1}")
    srun --overlap --nodes=$((${#nodes[@]} - 1)) --ntasks=$((${#nodes[@]} - 1)) --nodelist="$others" \
        ray start --address="$address:$port" "${resources[@]}" &
fi
# The driver begins with the nodes that are there; those that come later get their share.
srun --overlap --nodes=1 --ntasks=1 --nodelist="$head" \
    ppbench eval "$@" --engine ray --ray-address "$address:$port"
