#!/bin/sh
# Measures how calm paintings of moving clips are, and prints the tables of docs/calm.md: `make calm`, or
#
#   scripts/calm.sh [CLIP or PICTURE]…
#
# Each is filmed by a wandering camera (graphs/wander.yaml), painted in four ways, and compared with what was filmed. PROMPT is the style,
# FRAMES how many frames, OUT the folder for the clips, FRAMELOOM the program.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
frameloom=${FRAMELOOM:-$root/target/release/frameloom}
prompt=${PROMPT:-oil painting}
frames=${FRAMES:-200}
mkdir -p "${OUT:-$root/out/calm}"
out=$(cd "${OUT:-$root/out/calm}" && pwd)
[ $# -gt 0 ] || set -- "$root/assets/meadow.jpg" "$root/assets/bigbuckbunny.mp4"

run() { "$frameloom" run "$@" >"$out/log" 2>&1 || { cat "$out/log" >&2; exit 1; }; }

# Paints the filmed clip $1 by the graph $2, into the file $3.
paint() {
    filmed=$1 graph=$2 file=$3
    shift 3
    run "$root/graphs/$graph.yaml" --set video="$filmed" --set prompt="$prompt" --out "$file" "$@"
}

# One row: what is called $1 in the file $2, measured against the filmed clip $3.
row() {
    "$frameloom" compare "$2" "$3" --metrics warp_error,flicker,edit --format json | awk -v name="$1" '
        /^  "frames"/ { every = 1 }
        every { next }
        /"count"/ { count = $2 + 0 }
        /^    "[a-z._]*": \{/ { split($1, key, "\""); metric = key[2] }
        /"mean"/ { mean[metric] = $2 + 0 }
        /"slope_per_100_frames"/ { slope[metric] = $2 + 0 }
        END {
            times = mean["b.warp_error"] > 0 ? mean["warp_error"] / mean["b.warp_error"] : 0
            printf "| %s | %d | %.6f | %.1f | %.4f | %.4f | %+.4f |\n", name, count, mean["warp_error"], times, mean["flicker"], mean["edit"], slope["edit"]
        }'
}

for scene; do
    name=$(basename "${scene%.*}")
    filmed=$out/$name.mkv
    run "$root/graphs/wander.yaml" --set video="$(realpath "$scene")" --frames "0..$frames" --out "$filmed"
    paint "$filmed" repaint "$out/$name-changing.mkv" --set seeds=iter
    paint "$filmed" repaint "$out/$name-fixed.mkv"
    paint "$filmed" steady_repaint "$out/$name-following.mkv" --set hold=0 --set echo=0
    paint "$filmed" steady_repaint "$out/$name-calm.mkv"
    echo
    echo "\`$(basename "$scene")\`, $prompt:"
    echo
    echo "| | frames | warp error | times the clip's | flicker | edit strength | its change over 100 frames |"
    echo "|---|---|---|---|---|---|---|"
    row "the filmed clip itself" "$filmed" "$filmed"
    row "each frame alone, changing seeds" "$out/$name-changing.mkv" "$filmed"
    row "each frame alone, one seed" "$out/$name-fixed.mkv" "$filmed"
    row "each frame alone, noise that follows" "$out/$name-following.mkv" "$filmed"
    row "the loop: carried along, noise that follows" "$out/$name-calm.mkv" "$filmed"
done
