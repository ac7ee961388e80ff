print("bertkit")
