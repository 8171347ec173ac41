#!/bin/sh
# Makes the built-in clips again. Needs ffmpeg with libvpx and libopus.
set -eu
cd "$(dirname "$0")"
video() { # size bitrate name
	ffmpeg -loglevel error -y -f lavfi -i "testsrc2=size=$1:rate=20:duration=1" -c:v libvpx -b:v "$2" -g 200 \
		-auto-alt-ref 0 -lag-in-frames 0 -error-resilient 1 -deadline good -cpu-used 4 "$3.ivf"
}
video 320x180 90k low
video 640x360 250k medium
video 1280x720 700k high
ffmpeg -loglevel error -y -f lavfi -i "sine=frequency=440:duration=1:sample_rate=48000" -ac 1 -c:a libopus -b:a 24k -frame_duration 20 tone.ogg
