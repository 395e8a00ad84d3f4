(fn [function code limit room]
  ;; Evaluates code form by form within a function of the app, and prints there too: a value may be
  ;; computed while it is printed. Gives a symbol, which is printed as it is: `ok` and a word for each
  ;; value, 0 or 1 (cut) before its text, or `refused` and the reason; texts in base64 of UTF-8.
  ;; A text has at most limit bytes, all together have room.
  (let [reader (clojure.lang.LineNumberingPushbackReader. (java.io.StringReader. code))
        end    (Object.)
        left   (atom room)
        utf8   (fn [text] (.getBytes (str text) "UTF-8"))
        encode (fn [^bytes data] (.encodeToString (java.util.Base64/getEncoder) data))
        full   (Error. "the value is longer than its limit")
        writer (fn [^StringBuilder text most]
                 (let [put! (fn [^CharSequence piece]
                              (.append text piece)
                              (when (< most (.length text)) (throw full)))]
                   (proxy [java.io.Writer] []
                     (write
                       ([x] (put! (cond (number? x) (String/valueOf (char (bit-and (long x) 0xffff)))
                                        (string? x) x
                                        :else (String. ^chars x))))
                       ([x from size]
                        (put! (if (string? x)
                                (subs x from (+ from size))
                                (String. ^chars x (int from) (int size))))))
                     (flush [])
                     (close []))))
        word   (fn [value]
                 (let [text (StringBuilder.)
                       most (min limit @left)]
                   (try
                     ((if *print-dup* print-dup print-method) value (writer text most))
                     (catch Throwable thrown (when-not (identical? full thrown) (throw thrown))))
                   (let [data (utf8 text)
                         kept (min most (count data))]
                     (swap! left - kept)
                     (str (if (< kept (count data)) 1 0)
                          (encode (java.util.Arrays/copyOf ^bytes data (int kept)))))))
        forms  (fn []
                 (loop [words ["ok"]]
                   (let [form (read {:eof end :read-cond :allow} reader)]
                     (if (identical? form end)
                       words
                       (let [value (eval form)
                             words (conj words (word value))]
                         (set! *3 *2)
                         (set! *2 *1)
                         (set! *1 value)
                         (recur words))))))
        {:keys [value refused]} (within function forms)]
    (symbol (apply str (interpose " " (if refused ["refused" (encode (utf8 refused))] value))))))
