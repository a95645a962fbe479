#!/usr/bin/env bash
# Installs what Frameloom needs to be built and run: FFmpeg's libraries, libclang, a C compiler, and ONNX Runtime's library in
# runtime/. Only what is missing is fetched, so that running it again costs nothing. See docs/install.md for other systems.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

onnxruntime=1.31.1

say() { printf 'setup: %s\n' "$*"; }
die() { printf 'setup: %s\n' "$*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

# libclang, which translates FFmpeg's headers, and clang's own headers beside it.
have_clang() {
  [ -n "${LIBCLANG_PATH:-}" ] && return 0
  [ "$(uname -s)" = Darwin ] && have clang && return 0
  compgen -G '/usr/lib/llvm-*/lib/libclang*.so*' >/dev/null && compgen -G '/usr/lib/llvm-*/lib/clang/*/include/stddef.h' >/dev/null && return 0
  compgen -G '/usr/lib64/libclang.so*' >/dev/null || compgen -G '/usr/lib/libclang.so*' >/dev/null
}

# A Python whose pip can fetch a wheel: a wheel is a zip file, nothing is installed into that Python.
find_pip() {
  local python
  for python in python3 python /usr/bin/python3; do
    if "$python" -m pip --version >/dev/null 2>&1; then echo "$python"; return 0; fi
  done
  return 1
}

library() {
  case "$(uname -s)" in
    Darwin) echo "runtime/libonnxruntime.$onnxruntime.dylib" ;;
    *) echo "runtime/libonnxruntime.so.$onnxruntime" ;;
  esac
}

have_onnxruntime() { [ -s "$(library)" ] || [ -n "${ORT_DYLIB_PATH:-}" ]; }

missing_packages() {
  have cc || echo gcc libc6-dev
  have make || echo make
  have pkg-config || echo pkg-config
  local name
  for name in avcodec avformat avutil swscale swresample; do
    { have pkg-config && pkg-config --exists "lib$name"; } || echo "lib$name-dev"
  done
  have_clang || echo libclang
  have_onnxruntime || find_pip >/dev/null || echo python3-pip
}

# The distribution's own version of LLVM, as `clang` depends on it: 14 on Debian 12, 19 on Debian 13.
llvm_version() {
  apt-cache depends clang 2>/dev/null | sed -n 's/.*Depends: clang-\([0-9][0-9]*\).*/\1/p' | head -n 1
}

install_packages() {
  local packages root=() version
  packages=$(missing_packages | xargs)
  [ -n "$packages" ] || return 0
  if ! have apt-get; then
    die "these are missing: $packages (Debian's names); docs/install.md says how they are called on other systems"
  fi
  if [ "$(id -u)" != 0 ]; then
    have sudo || die "run as root: apt-get install $packages"
    root=(sudo)
  fi
  say "installing $packages"
  "${root[@]}" apt-get update -qq
  case " $packages " in *" libclang "*)
    version=$(llvm_version)
    packages="${packages/libclang/libclang1-${version:?no LLVM in the package lists} libclang-common-$version-dev}"
  esac
  # shellcheck disable=SC2086 # a list of package names
  "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages </dev/null >/dev/null
}

sha256() {
  if have sha256sum; then sha256sum "$1"; else shasum -a 256 "$1"; fi | cut -d ' ' -f 1
}

fetch_onnxruntime() {
  have_onnxruntime && return 0
  local platforms sum python target inner
  target=$(library)
  case "$(uname -s)-$(uname -m)" in
    Linux-x86_64)
      platforms=(manylinux_2_28_x86_64 manylinux_2_27_x86_64)
      sum=fc44112fbe06d7d689c57e11d3862031f64711007e4ee020f8eed5185fd2c1d3 ;;
    Linux-aarch64)
      platforms=(manylinux_2_28_aarch64 manylinux_2_27_aarch64)
      sum=8aa3b76b28c778a2b1dd660d34161adb1d508c9ccd04ff9dc80e26eca5df8467 ;;
    Darwin-arm64)
      platforms=(macosx_14_0_arm64)
      sum=d586cbe89effc085a09d3341b3cfbd5c322517f9d397aeb20814af21433f2b36 ;;
    *) die "no ONNX Runtime is known for $(uname -s) on $(uname -m); see docs/install.md" ;;
  esac
  python=$(find_pip) || die "Python's pip is needed once to fetch ONNX Runtime; see docs/install.md"
  say "fetching ONNX Runtime $onnxruntime (24 MB)"
  mkdir -p runtime
  # On the same file system as its target, so that the library appears whole or not at all.
  scratch=$(mktemp -d runtime/fetch.XXXXXX)
  trap 'rm -rf "$scratch"' EXIT
  # The library is the same in the wheels of every Python version; 3.12 only picks one.
  "$python" -m pip --disable-pip-version-check download --quiet --no-deps --only-binary=:all: --implementation cp --python-version 3.12 \
    "${platforms[@]/#/--platform=}" --dest "$scratch" "onnxruntime==$onnxruntime"
  inner="onnxruntime/capi/$(basename "$target")"
  "$python" - "$scratch" "$inner" <<'PYTHON'
import glob, shutil, sys, zipfile
folder, inner = sys.argv[1:]
with zipfile.ZipFile(glob.glob(folder + "/*.whl")[0]) as wheel, wheel.open(inner) as packed, open(folder + "/library", "wb") as out:
    shutil.copyfileobj(packed, out)
PYTHON
  [ "$(sha256 "$scratch/library")" = "$sum" ] || die "the ONNX Runtime that was fetched is not the expected one (sha256 differs)"
  mv "$scratch/library" "$target"
  say "ONNX Runtime is in $target"
}

have cargo || [ -x "${HOME:-}/.cargo/bin/cargo" ] || die "Rust is missing: install it with rustup (https://rustup.rs)"
install_packages
fetch_onnxruntime
