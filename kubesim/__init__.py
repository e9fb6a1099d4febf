"""kubesim: what will the kubelet do to my Pod, on this release, and why?"""
