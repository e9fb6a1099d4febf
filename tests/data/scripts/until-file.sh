(sleep 0.3; touch flag) &
until [ -f flag ]; do sleep 0.1; done; echo found; wait
