#!/bin/sh
# Prepares what the machine lacks (libraries, a description of NVIDIA's Vulkan driver), then runs run.mjs with the Node that
# came along. Flags: see run.sh --help. Needs no network, writes to the output folder and to a temporary one only.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
PATH=${PATH:-/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin}
export PATH
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# ---- libraries: the system's where it has them, else those that came along
known=$(ldconfig -p 2>/dev/null || /sbin/ldconfig -p 2>/dev/null || true)
has() { case $known in *"	$1 "*) true ;; *) false ;; esac; }
mkdir "$work/lib"
for file in "$here"/lib/*; do
  name=$(basename "$file")
  has "$name" || ln -s "$file" "$work/lib/$name"
done
SYSTEM_LD_LIBRARY_PATH=${LD_LIBRARY_PATH:-}
export SYSTEM_LD_LIBRARY_PATH
LD_LIBRARY_PATH=$work/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
# The paths are in the environment: in the text of a script, a path with a quote would break it.
export PACK="$here" PACK_PATH="$LD_LIBRARY_PATH"
cat > "$work/node" <<'END'
#!/bin/sh
LD_LIBRARY_PATH=$PACK_PATH exec "$PACK/node" "$@"
END
# A C library older than the one that this was packed with does not run it: then all libraries are those that came along.
ours=$(cat "$here/glibc/version")
theirs=$(ldd --version 2>/dev/null | sed -n '1s/.* //p')
oldest=$(printf '%s\n%s\n' "$ours" "${theirs:-0}" | sort -V | head -n 1)
if [ "$oldest" != "$ours" ] || [ -n "${PACKED_LIBRARIES:-}" ] || ! sh "$work/node" --version >/dev/null 2>&1; then
  cat > "$work/node" <<'END'
#!/bin/sh
exec "$PACK"/glibc/ld-linux* --library-path "$PACK/glibc:$PACK/lib" "$PACK/node" "$@"
END
  echo "Libraries: from the pack (glibc $ours; the system has ${theirs:-none})"
fi
chmod +x "$work/node"
if ! "$work/node" --version >/dev/null; then
  echo "The Node that came along does not run here: this needs Linux on $("$here/node" -p process.arch 2>/dev/null || echo 'the kind of processor that it was packed on')." >&2
  exit 1
fi

# ---- NVIDIA's Vulkan driver: the loader finds it by a JSON file, which containers often lack
if [ -z "${VK_DRIVER_FILES:-}${VK_ICD_FILENAMES:-}" ]; then
  icd=
  for file in /etc/vulkan/icd.d/*nvidia*.json /usr/share/vulkan/icd.d/*nvidia*.json \
    /usr/local/etc/vulkan/icd.d/*nvidia*.json /usr/local/share/vulkan/icd.d/*nvidia*.json; do
    if [ -f "$file" ]; then icd=$file && break; fi
  done
  if [ -z "$icd" ]; then
    # The one for screens first; the other needs no X11.
    for name in libGLX_nvidia.so.0 libEGL_nvidia.so.0; do
      for path in $(printf '%s\n' "$known" | sed -n "s/^	$name .*=> //p") \
        /usr/lib/x86_64-linux-gnu/$name /usr/lib/aarch64-linux-gnu/$name /usr/lib64/$name /usr/lib/$name \
        /usr/local/nvidia/lib64/$name /usr/lib/nvidia/$name; do
        if [ -z "$icd" ] && [ -f "$path" ]; then
          icd=$work/nvidia_icd.json
          printf '{ "file_format_version": "1.0.1", "ICD": { "library_path": "%s", "api_version": "1.3.0" } }\n' "$path" > "$icd"
          echo "NVIDIA's Vulkan driver: $path, which no JSON file names; one was written for it"
        fi
      done
    done
  fi
  if [ -n "$icd" ]; then
    # The first name is for newer loaders, the second for older ones.
    export VK_DRIVER_FILES="$icd" VK_ICD_FILENAMES="$icd"
  elif [ -e /dev/nvidiactl ]; then
    echo "There is an NVIDIA GPU, but no libGLX_nvidia.so.0: install the driver's Vulkan part, or start the container with NVIDIA_DRIVER_CAPABILITIES=all." >&2
  fi
fi

export WEBGPU_DIFFUSION_NODE="$work/node"
code=0
"$WEBGPU_DIFFUSION_NODE" "$here/run.mjs" "$@" || code=$?
exit "$code"
