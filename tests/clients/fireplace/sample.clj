(ns client.sample)

(defn twice
  "Two times x."
  [x]
  (* 2 x))
