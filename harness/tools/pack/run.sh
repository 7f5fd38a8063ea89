#!/bin/sh
# run.sh [--quick] [FOLDER]
#
# Checks, benches and trains on this machine's GPU; FOLDER (./webgpu-diffusion-results) gets what is printed and the results. --quick
# does a little of each in about a minute, also without a GPU. Ends with 0 only if all passed.
set -eu
quick=
if [ "${1:-}" = --quick ]; then quick=1 && shift; fi
case ${1:-} in -*) sed -n '2,6s/^# \{0,1\}//p' "$0" && exit 2 ;; esac
out=${1:-webgpu-diffusion-results}
mkdir -p "$out"
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
PATH=${PATH:-/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin}
export PATH
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# ---- libraries: the system's where it has them, else the pack's; all from the pack where the system's C library is older
known=$(ldconfig -p 2>/dev/null || /sbin/ldconfig -p 2>/dev/null || true)
mkdir "$work/lib"
for file in "$here"/lib/*; do
  case $known in *"	${file##*/} "*) ;; *) ln -s "$file" "$work/lib/" ;; esac
done
ours=$(cat "$here/glibc/version")
theirs=$(ldd --version 2>/dev/null | sed -n '1s/.* //p')
oldest=$(printf '%s\n%s\n' "$ours" "${theirs:-0}" | sort -V | head -n 1)
if [ "$oldest" != "$ours" ] || [ -n "${PACKED_LIBRARIES:-}" ]; then
  echo "Libraries: the pack's (glibc $ours; the system has ${theirs:-none})"
  node() { "$here"/glibc/ld-linux* --library-path "$here/glibc:$here/lib" "$here/node" "$@"; }
else
  node() { LD_LIBRARY_PATH="$work/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" "$here/node" "$@"; }
fi

# ---- NVIDIA's Vulkan driver: the loader finds it by a JSON file, which containers often lack
if [ -z "${VK_DRIVER_FILES:-}${VK_ICD_FILENAMES:-}" ]; then
  icd=$(ls /etc/vulkan/icd.d/*nvidia*.json /usr/share/vulkan/icd.d/*nvidia*.json /usr/local/nvidia/share/vulkan/icd.d/*nvidia*.json 2>/dev/null | head -n 1)
  # The driver for screens first; the other needs no X11.
  for driver in $(printf '%s\n' "$known" | sed -n 's/^	lib\(GLX\|EGL\)_nvidia.so.0 .*=> //p' | sort -r) /usr/local/nvidia/lib64/libGLX_nvidia.so.0; do
    [ -z "$icd" ] && [ -f "$driver" ] || continue
    icd=$work/nvidia.json
    printf '{ "file_format_version": "1.0.1", "ICD": { "library_path": "%s", "api_version": "1.3.0" } }\n' "$driver" > "$icd"
  done
  # The first name is for newer loaders, the second for older ones.
  [ -z "$icd" ] || export VK_DRIVER_FILES="$icd" VK_ICD_FILENAMES="$icd"
fi

# ---- the stages
# Results of this machine alone, and nothing left in anybody's home.
export WEBGPU_DIFFUSION_CACHE="$out/cache"
failed=
# stage NAME COMMAND…: a command of the command line; NAME.txt gets what it prints.
stage() {
  name=$1 && shift
  printf '\n== %s: %s\n' "$name" "$*"
  { node "$here/cli/cli.js" "$@" 2>&1 || echo "ended with $?" > "$work/$name"; } | tee "$out/$name.txt"
  [ ! -f "$work/$name" ] || failed="$failed $name"
}
# training NAME MOST FLAG…: fails, too, where the mean loss of the last epoch is not below MOST.
training() {
  run=$out/$1 most=$2
  stage "$1" train --out "$run" --overwrite $3
  [ ! -f "$work/$1" ] || return 0
  node -p "const { steps, epochs, timings } = JSON.parse(fs.readFileSync(process.argv[1])); const { meanLoss } = epochs.at(-1);
    process.exitCode = meanLoss < process.argv[2] ? 0 : 1;
    steps + ' steps in ' + timings.trainSeconds.toFixed(1) + ' s, mean loss of the last epoch ' + meanLoss + ', at most ' + process.argv[2]" \
    "$run/run.json" "$most" || failed="$failed $1"
}
if [ -n "$quick" ]; then
  few='--limit 64 --batch 16 --epochs 1 --widths 8,16 --tune'
  stage check check --kernel '*pool*' --json "$out/check.json"
  stage bench bench --kernel step --batch 8 --budget 15 --json "$out/bench.json"
  training tutorial 1 "$few"
  training digits 10 "--recipe digits $few --quality 12"
else
  stage check check --json "$out/check.json"
  stage bench bench --budget 120 --json "$out/bench.json"
  training tutorial 0.04 ''
  training digits 0.25 '--recipe digits --epochs 40 --max-steps 5480'
fi
if [ -n "$failed" ]; then printf '\nFAILED:%s. Results: %s\n' "$failed" "$out" && exit 1; fi
printf '\nAll passed. Results: %s\n' "$out"
