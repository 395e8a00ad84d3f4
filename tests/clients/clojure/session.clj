;; What a program does with nREPL's own client. Arguments: a port, and the path of sample.clj.
;; Prints what was seen, one line for each step.
(require '[clojure.string :as str] '[nrepl.core :as nrepl])

(let [[port sample] *command-line-args*]
  (with-open [^java.io.Closeable connection (nrepl/connect :host "127.0.0.1" :port (Long/parseLong port))]
    (let [session (nrepl/client-session (nrepl/client connection 60000))
          ask     (fn [message] (doall (nrepl/message session message)))
          eval    (fn [code] (ask {:op "eval" :code code}))
          values  (fn [messages] (str/join " " (keep :value messages)))
          words   (fn [messages] (str/join " " (sort (distinct (mapcat :status messages)))))
          told    (fn [step seen] (println (str step ": " seen)))]
      (told "eval" (values (eval "(+ 40 2)")))
      (told "throw" (some :ex (eval "(/ 1 0)")))
      (told "load" (values (ask {:op "load-file" :file (slurp sample) :file-path sample :file-name "sample.clj"})))
      (told "loaded" (values (eval "(client.sample/twice 21)")))
      (told "complete" (str/join " " (mapcat #(map :candidate (:completions %))
                                             (ask {:op "completions" :prefix "twi" :ns "client.sample"}))))
      (told "lookup" (some #(get-in % [:info :doc]) (ask {:op "lookup" :sym "twice" :ns "client.sample"})))
      (let [messages (nrepl/message session {:op "eval" :code "(do (println :sleeps) (Thread/sleep 60000))"})]
        ;; Until it has printed there may be nothing to interrupt.
        (first messages)
        (ask {:op "interrupt"})
        (told "interrupt" (words messages)))
      (told "after" (values (eval "(+ 1 1)")))
      (told "close" (words (ask {:op "close"}))))))
(shutdown-agents)
