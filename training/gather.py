"""Fills DATA/pictures (training) and DATA/held_out from collections that are free to use, and notes what came from where.

    python gather.py DATA [--kodak DIR] [--wallpapers DIR] [--gcompris DIR] [--clip FILE]

--kodak:      the 24 Kodak pictures, 01.png to 24.png (released by Kodak for unrestricted use); five are held out.
--wallpapers: the unpacked Debian packages lomiri-wallpapers-16.04; only its pictures under CC-BY-4.0 and CC0-1.0 are taken.
--gcompris:   the unpacked Debian package gcompris-qt-data 3.1: 110 photographs of places, animals and people, most of them from Wikimedia
              Commons, public domain, CC-BY or CC-BY-SA; its copyright file names the author of each.
--clip:       Big Buck Bunny ((c) Blender Foundation, CC BY 3.0); five frames of its first 60.
scikit-image's own pictures (public domain and CC0) always come along.
"""
import argparse
import glob
import os
import re

import cv2
import numpy as np
import skimage.data

HELD_OUT = {"05", "07", "15", "20", "23"}
ALBUMS = "details erase explore_farm_animals explore_monuments explore_world_animals explore_world_music".split()
CC = ("aitzgorri friends life picosdeeuropa Picture_0B Picture_1A seeding sunset umang Wine").split()


def bundled(path):
    """The photographs within one of Qt's bundles of resources, as BGR arrays."""
    data = open(path, "rb").read()
    for sign in re.finditer(rb"\xff\xd8\xff[\xe0\xe1\xdb]|RIFF....WEBP", data, re.S):
        im = cv2.imdecode(np.frombuffer(data, np.uint8, min(len(data) - sign.start(), 4 << 20), sign.start()), cv2.IMREAD_COLOR)
        if im is not None and min(im.shape[:2]) >= 300:
            yield im


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("data")
    for o in ("--kodak", "--wallpapers", "--gcompris", "--clip"):
        a.add_argument(o)
    a = a.parse_args()
    for d in ("pictures", "held_out"):
        os.makedirs(f"{a.data}/{d}", exist_ok=True)
    notes = []

    def keep(folder, name, bgr, note):
        m = 1100 / max(bgr.shape[:2])
        if m < 1:
            bgr = cv2.resize(bgr, None, fx=m, fy=m, interpolation=cv2.INTER_AREA)
        cv2.imwrite(f"{a.data}/{folder}/{name}.png", bgr)
        notes.append(f"{folder}/{name}.png: {note}")

    for name, note in (("astronaut", "NASA, public domain"), ("coffee", "Rachel Michetti, CC0"), ("rocket", "SpaceX, CC0"),
                       ("hubble_deep_field", "NASA, public domain"), ("chelsea", "Stefan van der Walt, CC0")):
        keep("held_out" if name == "chelsea" else "pictures", name, getattr(skimage.data, name)()[..., 2::-1], note)
    for p in sorted(glob.glob(f"{a.kodak}/[0-9][0-9].png")) if a.kodak else []:
        n = os.path.basename(p)[:2]
        keep("held_out" if n in HELD_OUT else "pictures", "kodak" + n, cv2.imread(p)[4:-4, 4:-4], "Kodak, unrestricted use")
    for c in CC if a.wallpapers else []:
        for p in glob.glob(f"{a.wallpapers}/**/{c}_by_*.jpg", recursive=True):
            n = os.path.basename(p)[:-4]
            keep("pictures", n, cv2.imread(p), ("CC0-1.0, " if c == "seeding" else "CC-BY-4.0, ") + n.split("_by_")[1].replace("_", " "))
    for album in ALBUMS if a.gcompris else []:
        for p in glob.glob(f"{a.gcompris}/**/{album}.rcc", recursive=True):
            for i, im in enumerate(bundled(p)):
                keep("pictures", f"{album}{i:02}", im, "gcompris-qt-data, see its copyright file")
    if a.clip:
        v = cv2.VideoCapture(a.clip)
        for i in range(60):
            ok, f = v.read()
            if ok and i % 12 == 0:
                keep("pictures", f"bunny{i:02}", f, "(c) Blender Foundation, CC BY 3.0")
    open(f"{a.data}/pictures.txt", "w").write("\n".join(notes) + "\n")
    print(len(notes), "pictures")


if __name__ == "__main__":
    main()
