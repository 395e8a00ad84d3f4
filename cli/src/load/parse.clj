;; Reads every form of some files as Clojure does when it loads them, and evaluates nothing of them:
;; no #=, no function that an app reads its own tags with, and every alias is taken for known.
;; Throws what cannot be read, and where. Clojure 1.10 or newer.
(let [resolver (reify clojure.lang.LispReader$Resolver
                 (currentNS [_] 'user)
                 (resolveClass [_ _] nil)
                 (resolveAlias [_ alias] alias)
                 (resolveVar [_ _] nil))
      end      (Object.)
      clip     (fn [text] (subs text 0 (min 400 (count text))))
      told     (fn [file text line ^Throwable thrown]
                 (let [cause (or (.getCause thrown) thrown)
                       ;; The reader counts the end of a text as one line more.
                       lines (inc (count (filter #{\newline} text)))]
                   (str file ":" (min line lines) ": "
                        (clip (or (.getMessage ^Throwable cause) (.getName (class cause)))))))
      flaw     (fn [[file & pieces]]
                 (let [text   (apply str pieces)
                       reader (clojure.lang.LineNumberingPushbackReader. (java.io.StringReader. text))]
                   (try
                     (while (not (identical? end (read {:eof end :read-cond :allow} reader))))
                     (catch Throwable thrown
                       (told file text (:clojure.error/line (ex-data thrown) (.getLineNumber reader)) thrown)))))]
  (binding [*reader-resolver* resolver
            *read-eval* false
            *data-readers* {}
            *default-data-reader-fn* tagged-literal]
    (when-let [flaws (seq (take 5 (keep flaw PREPL-FILES)))]
      (throw (doto (Exception. ^String (apply str (interpose "; " flaws)))
               (.setStackTrace (make-array StackTraceElement 0)))))))
