#!/bin/sh
# A number every 100 ms to whoever connects.
n=0
while n=$((n + 1)) && echo $n; do usleep 100000; done
