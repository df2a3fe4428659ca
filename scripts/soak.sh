#!/usr/bin/env bash
# A run of 10^9 chain-steps whose memory must not grow: frames go to the disk, with their moments,
# and there is a checkpoint every second. Usage: scripts/soak.sh [CHAIN_STEPS]. LANGEVIN names a
# program that is built already.
set -euo pipefail
cd "$(dirname "$0")/.."
total=${1:-1000000000}
[ -n "${LANGEVIN:-}" ] || cargo build --release -p langevin-cli
langevin=${LANGEVIN:-$PWD/target/release/langevin}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"means": [[0, 0], [4, 4]], "std": 1}' > g.json
python3 - "$langevin" "$total" << 'PYTHON'
import subprocess, sys, time
program, total = sys.argv[1], int(sys.argv[2])
chains = 1000
steps = total // chains
command = [program, *"sample g.json --method baoab --step 0.1 --burn-in 10 --quiet".split(),
           "--chains", str(chains), "--steps", str(steps), "--every", str(max(steps // 1000, 1)),
           "--out", "x.npy", "--checkpoint", "c", "--checkpoint-every", "1"]
child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
begun = time.monotonic()
seen = []
while child.poll() is None:
    try:
        for line in open(f"/proc/{child.pid}/status"):
            if line.startswith("VmHWM:"):
                seen.append((time.monotonic() - begun, int(line.split()[1]) / 1024))
    except OSError:
        pass
    time.sleep(0.02)
if child.returncode != 0:
    sys.exit("the run failed")
end, last = seen[-1]
early = max(most for at, most in seen if at <= max(end / 10, seen[0][0]))
print(f"{chains * steps:.3g} chain-steps in {end:.0f} s: at most {early:.1f} MiB after a tenth of the time, "
      f"{last:.1f} MiB at the end")
if last > early + 4:
    sys.exit(f"the memory has grown by {last - early:.1f} MiB")
PYTHON
